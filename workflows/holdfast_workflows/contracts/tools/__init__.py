"""Tools whose functions Holdfast's workers provide: settings and arguments.

url_patterns  the URLs that an HTTP tool may request
http          HttpTool
code          CodeTool
sources       what a worker gets of all of them
"""

"""The benchmark of steps: the same work by Holdfast and by the smallest workflow that could do it."""

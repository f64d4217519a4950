"""What a deployment needs besides workers: monitoring, images, manifests."""

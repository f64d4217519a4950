"""``holdfast probe``: checks a deployment from outside, so that its series outlive a dead worker."""

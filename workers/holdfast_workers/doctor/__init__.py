"""``holdfast doctor``: checks that prove, on the real parts, that a deployment is fit."""

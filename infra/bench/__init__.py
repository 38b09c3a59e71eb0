"""`make bench`: the product beside a bare endpoint, a plain design and a Redis counter, all checked for exactness."""

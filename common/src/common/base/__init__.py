"""Values and errors that every room uses; imports none of them."""

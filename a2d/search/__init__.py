"""How architectures are searched, and the random ones that searched ones are compared with."""

"""What can be asked for: the declarations of capabilities, the models' limits, the prices."""

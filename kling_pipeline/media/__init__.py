"""What a file is and whether it is whole; decoders run in processes of their own."""

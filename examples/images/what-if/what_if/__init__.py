"""What if demand were different? Simulate the stock of a shop before ordering."""

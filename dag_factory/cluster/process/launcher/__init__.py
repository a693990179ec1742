"""The program that forks the processes of containers, apart from the server."""

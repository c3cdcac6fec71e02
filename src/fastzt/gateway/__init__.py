"""Servers between the system's sockets and a network's: forwards, a proxy, standard input and output."""

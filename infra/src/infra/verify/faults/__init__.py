"""Faults made on purpose, and the proof that nothing is lost or done twice: crashes, time, money."""

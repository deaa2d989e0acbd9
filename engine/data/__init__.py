"""Texts and prompts that come with Lesion."""

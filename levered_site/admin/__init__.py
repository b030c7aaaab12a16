"""What all pages of the staff admin share: look, base pages, deeds as buttons, safety."""

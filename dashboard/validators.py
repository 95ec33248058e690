"""What a value must be before it may become part of a change: phone numbers, greeting addresses, texts."""

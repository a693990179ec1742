"""Where a value comes from: every layer that set it, for ``dagf explain``; and pods as text, for ``dagf render``."""

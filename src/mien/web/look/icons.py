"""Line icons, drawn here: 24 units wide, in the colour of the text."""

PATHS = {
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
    "cart": '<path d="M3 4h2.2l2.3 11h10.2l2-8H6.2"/><circle cx="9" cy="19.5" r="1.4"/>'
    '<circle cx="16.5" cy="19.5" r="1.4"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 2.5v2.2M12 19.3v2.2M2.5 12h2.2M19.3 12h2.2"/>'
    '<path d="m5.3 5.3 1.5 1.5M17.2 17.2l1.5 1.5M5.3 18.7l1.5-1.5M17.2 6.8l1.5-1.5"/>',
    "moon": '<path d="M20 14.5A8.3 8.3 0 0 1 9.5 4a8.3 8.3 0 1 0 10.5 10.5Z"/>',
    "person": '<circle cx="12" cy="8" r="4"/><path d="M4 20.5c1-4.3 4-6.3 8-6.3s7 2 8 6.3"/>',
    "close": '<path d="m6 6 12 12M18 6 6 18"/>',
    "down": '<path d="m6 9.5 6 6 6-6"/>',
    "next": '<path d="m9.5 6 6 6-6 6"/>',
    "back": '<path d="m14.5 6-6 6 6 6"/>',
    "info": '<circle cx="12" cy="12" r="8.7"/><path d="M12 11v5.500M12 7.600v.1"/>',
    "warn": '<path d="M12 3.5 2.5 20h19L12 3.500Z"/><path d="M12 10v4.500M12 17.200v.1"/>',
    "pulse": '<path d="M2.5 12.500h4l2.5-7 4.5 13 2.8-6h5.2"/>',
    "filter": '<path d="M3.5 6.500h17M6.5 12h11M10 17.500h4"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "minus": '<path d="M5 12h14"/>',
    "trash": '<path d="M4.5 6.500h15M9.5 6V4h5v2M6.5 6.500l1 13.500h9l1-13.5"/>',
    "download": '<path d="M12 3.500v12M7 11l5 5 5-5M4 20.500h16"/>',
    "exit": '<path d="M14 4H5v16h9M10 12h11M17 8l4 4-4 4"/>',
    "check": '<path d="m5 12.5 4.5 4.500L19 7.5"/>',
    "lock": '<rect x="5" y="10.5" width="14" height="10" rx="1.5"/><path d="M8 10.500V8a4 4 0 0 1 8 0v2.5"/>',
}


def icon(name: str, size: int = 20) -> str:
    """The drawing of a name as SVG, hidden from readers: the words beside it, or its button's label, say it."""
    return (
        f'<svg class="icon" width="{size}" height="{size}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{PATHS[name]}</svg>'
    )

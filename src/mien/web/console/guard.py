"""Whether who looks may still do what a button offers: sessions end and keys are revoked while pages stand open."""

from nicegui import ui

from mien.web.look.visit import Visit


def admin(visit: Visit) -> bool:
    """Whether an admin looks; else the page is asked for anew, and whoever looks is sent to sign in."""
    if visit.may("admin"):
        return True
    with visit.client:
        ui.navigate.reload()
    return False

"""The look that storefront and console share: theme, words, parts of pages, charts, the frame around them.

Modules here and in `storefront` and `console` need the extra `console`; `web.pages` loads them once it is there.
"""

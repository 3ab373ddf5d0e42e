"""Pictures of the pages: SVG made by hand, coloured by classes of the style sheet (the content
security policy leaves a page no style of its own), each with words for those who do not see it.
"""

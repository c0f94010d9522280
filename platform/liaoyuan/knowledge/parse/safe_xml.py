"""XML from strangers: no entity is expanded, no schema or stylesheet is fetched, no tree grows without end."""

from lxml import etree


def xml_parse(data: bytes) -> etree._Element:
    """The root element. Raises lxml.etree.XMLSyntaxError; declared entities stay unexpanded and give no text."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False, remove_pis=True
    )
    return etree.fromstring(data, parser)


def xml_recover(data: bytes) -> etree._Element | None:
    """The root of what can be made out of a tree that may be damaged; None where there is nothing of one."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True, remove_pis=True,
        remove_comments=True, encoding="utf-8",
    )  # fmt: skip
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None

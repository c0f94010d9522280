// What the page is about stands in the middle of the drawing when it opens.
const graph = document.querySelector("[data-graph]");
const current = graph?.querySelector(".graph-node.is-current rect");
if (current) {
  const box = current.getBBox();
  graph.scrollLeft = box.x + box.width / 2 - graph.clientWidth / 2;
  graph.scrollTop = box.y + box.height / 2 - graph.clientHeight / 2;
}

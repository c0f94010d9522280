// A collection's page takes files and folders wherever they are dropped, and by its dialog. They are sent at once and read
// when who dropped them has said who may read them. Without this file the dialog's form sends them.
import { dropped, uploads } from "./sending.js";

const dialog = document.getElementById("upload");
const root = dialog?.querySelector("#uploads");
if (root) begin(root);

function begin(root) {
  const form = root.closest("form");
  const strip = document.querySelector("[data-sending]");
  const veil = document.querySelector("[data-drop-page]");
  const sent = uploads(root, ({ text, percent }) => {
    strip.querySelector("[data-sending-text]").textContent = text;
    strip.querySelector("progress").value = percent;
    strip.querySelector("progress").hidden = !text;
    strip.hidden = !text && !sent?.arrived();
    if (wanted && sent && !sent.going().length) take();
  });
  let wanted = false;
  let leaving = false;
  // The field of files is empty by now: they are on their way already.
  form.noValidate = true;

  const files = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  // Entering a child is told before leaving its parent.
  let inside = 0;
  const over = (by) => { inside = Math.max(0, inside + by); veil.hidden = inside === 0; };
  addEventListener("dragenter", (event) => { if (files(event)) { event.preventDefault(); over(1); } });
  addEventListener("dragover", (event) => { if (files(event)) event.preventDefault(); });
  addEventListener("dragleave", (event) => { if (files(event)) over(-1); });
  addEventListener("drop", async (event) => {
    if (!files(event)) return;
    event.preventDefault();
    over(-inside);
    // The field inside the dialog takes what falls onto it.
    if (event.target.closest?.("[data-drop]")) return;
    const found = await dropped(event.dataTransfer);
    if (!dialog.open) dialog.showModal();
    sent.add(found);
    form.querySelector("[data-add]").focus();
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (sent.going().length) { wanted = true; sent.hold(); return; }
    take();
  }, true);

  async function take() {
    wanted = false;
    if (!sent.arrived()) { sent.say(sent.words("none")); return; }
    const body = new FormData();
    body.set("groups", form.elements.groups.value);
    try {
      await sent.server.ask("POST", `${root.dataset.url}/take`, body);
    } catch (refused) {
      sent.say(refused.message);
      return;
    }
    leaving = true;
    location.assign(location.pathname);
  }

  addEventListener("beforeunload", (event) => { if (!leaving && sent.going().length) event.preventDefault(); });
}

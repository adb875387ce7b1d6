// Orders to a form: changes that are handed to the server, which knows the widgets. One after another, because
// Gradio keeps only the newest of the events that wait.

const PATIENCE = 20_000; // ms without an answer until the next one goes; a failure ends it at once
const lines = new Map(); // capability → its orders, the first of them under way
let count = 0;

const lineOf = id => lines.get(id) ?? lines.set(id, []).get(id);
const sameFields = (a, b) => a.params && b.params && !a.what && !b.what && !a.show && !b.show && String(Object.keys(a.params)) === String(Object.keys(b.params));

/** Types into an unseen box of Gradio's; false while the page has none. */
export function type(where, text) {
  const box = document.querySelector(`#${where} textarea, #${where} input`);
  if (!box) return false;
  const proto = box instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(proto.prototype, 'value').set.call(box, text);
  box.dispatchEvent(new Event('input', { bubbles: true }));
  return true;
}

export const isOrdering = id => lineOf(id).length > 0;

/** Hands over a change, or a function that makes it of what the form holds by then; tells whether it was answered. */
export function hand(id, change) {
  return new Promise(resolve => {
    const line = lineOf(id), last = line.at(-1);
    if (line.length > 1 && sameFields(last.change, change)) { // it waits, and a newer value takes its place
      last.change = change;
      last.told.push(resolve);
      return;
    }
    line.push({ change, number: (count += 1), told: [resolve] });
    if (line.length === 1) next(id);
  });
}

function next(id) {
  const [one] = lineOf(id);
  if (!one) return;
  one.timer = setTimeout(() => end(id, one.number, false), PATIENCE);
  const change = typeof one.change === 'function' ? one.change() : one.change;
  if (!type(`order-${id}`, JSON.stringify({ ...change, number: one.number }))) end(id, one.number, false);
}

/** Gradio could not run the order under way. */
export const fail = id => lineOf(id)[0] && end(id, lineOf(id)[0].number, false);

/** The form has answered an order, or will not. */
export function end(id, number, answered = true) {
  const line = lineOf(id);
  if (line[0]?.number !== number) return;
  const { timer, told } = line.shift();
  clearTimeout(timer);
  for (const tell of told) tell(answered);
  next(id);
}

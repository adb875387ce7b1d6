// Dark or light: the system's choice until a person makes one, then theirs. Gradio sets `.dark` on
// body by itself, so a choice is held against it.

const KEY = 'studio.scheme';

function chosen() {
  const asked = new URLSearchParams(location.search).get('__theme');
  if (asked === 'dark' || asked === 'light') return asked;
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

let choice = chosen();
const system = matchMedia('(prefers-color-scheme: dark)');
export const dark = () => (choice ? choice === 'dark' : system.matches);

function hold() {
  const on = dark();
  for (const node of [document.documentElement, document.body]) {
    if (node && node.classList.contains('dark') !== on) node.classList.toggle('dark', on);
  }
}

export function toggle() {
  choice = dark() ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, choice);
  } catch { /* a private window forgets; the choice holds until then */ }
  hold();
}

export function start() {
  hold();
  system.addEventListener('change', hold);
  new MutationObserver(hold).observe(document.body, { attributes: true, attributeFilter: ['class'] });
}

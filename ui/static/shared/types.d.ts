// The shapes that the page's parts hand to each other, beside those of wire.d.ts. Read by the type check alone; no
// browser loads it.

import type {
  Balance,
  Counts,
  FormPatch,
  Job,
  Lost,
  Notice,
  Quote,
  Statement,
  StudioData,
} from './wire.d.ts';

export type * from './wire.d.ts';

export type Falsy = null | undefined | false | '' | 0;

export interface MakeProps {
  icon?: string;
  text?: string;
  hidden?: boolean;
  on?: { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => unknown };
  [attribute: string]: unknown;
}

/** A field of a capability that takes a file. */
export interface Slot {
  id: string;
  name: string;
}

/** How a request ended; the body is whole only where it is `ok`. */
export interface Answer<Body = unknown> {
  ok: boolean;
  status?: number;
  body: Body;
  code?: string;
  message?: string;
}

// ------------------------------------------------------------------------ forms

/** What the page knows of a form; the last answer is all that is drawn. */
export interface FormRecord {
  id: string;
  answer: Quote | null;
  phase: Phase;
  wrong: Record<string, string>;
  lost?: Lost[];
  /** The price is asked for. */
  pending?: boolean;
  /** The price gives way to a dash. */
  dash?: boolean;
  price?: number | null;
  /** How often in a row the price was asked for again. */
  asked?: number;
  wish?: { price: number | null | undefined; at: number };
  click?: string;
  seen?: { key: string; price: number | null };
  sent?: { key: string; take: string; at: number } | null;
  doubts?: Map<string, { id: string; times: number }>;
  timer?: ReturnType<typeof setTimeout>;
  slow?: ReturnType<typeof setTimeout>;
  late?: ReturnType<typeof setTimeout>;
}

export type Phase = 'ready' | 'ask' | 'twice' | 'sending' | 'unsure' | 'sent';

export type Change = FormPatch | (() => FormPatch);

/** An island inside a form. */
export interface Island {
  root: HTMLElement;
  id: string;
  field: string;
  draw: (island: Island, form: AnsweredForm) => void;
}

export type AnsweredForm = FormRecord & { answer: Quote };

// ------------------------------------------------------------------------ between the parts of the page

export interface Moved {
  job: Job;
  before: Job | null;
}

export interface Feed {
  rev: number;
  online: boolean;
  /** Nothing was heard yet. */
  first: boolean;
  counts: Counts;
  credits: Balance;
  notice: Notice | null;
  failures: number;
}

export interface Events {
  /** Jobs came or changed; `whole`: they are all that there are. */
  jobs: { moved: Moved[]; first: boolean; whole?: boolean };
  /** A job was opened in the viewer. */
  open: Job;
  /** An answer came, or none did. */
  feed: Feed;
  /** Another capability's form is shown. */
  capability: string | null;
  /** A form is to be drawn anew. */
  form: FormRecord;
  /** The queue is to be shown. */
  queue: null;
  /** A key was pressed for the viewer or the board. */
  command: Command;
}

export interface Command {
  name: 'play' | 'full' | 'frame' | 'variant' | 'row';
  /** Steps forward or back. */
  by?: number;
}

/** What a status amounts to on the page. */
export interface JobStatus {
  code: string;
  head: string;
  why: string;
  number: string;
  percent: number;
  bar: 'solid' | 'dashed' | null;
  tone: 'run' | 'fail' | 'pay' | 'plain' | 'quiet';
}

/** What the viewer shows of a file, and what keys do to it. */
export interface Screen {
  screen: HTMLElement;
  /** The node whose `error` says that the file did not come. */
  file: HTMLElement;
  bar: HTMLElement | null;
  play(): void;
  frame(by: number): void;
  stop(): void;
  setVisible?(visible: boolean): void;
}

declare global {
  interface Window {
    STUDIO?: StudioData;
    // The doors for Python's inline handlers, for islands that Gradio draws late, and for tests.
    studio: import('../page/studio.js').Studio;
    studioForm: import('../form/form.js').StudioForm;
    studioPrepare: { mount(element: Element): void };
    studioCredits: { mount(element: Element): void; read(): void; draw(data: Statement): void };
  }
  interface HTMLVideoElement {
    webkitAudioDecodedByteCount?: number;
    mozHasAudio?: boolean;
  }
}

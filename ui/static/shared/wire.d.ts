// The shapes that cross the wire between Python and the page. Read by the type check alone; no browser loads it.

export type Figures = Record<string, unknown>;

// ------------------------------------------------------------------------ what is written into the page

/** window.STUDIO: ui/islands.py and ui/manifest.py. */
export interface StudioData {
  all: Record<string, Record<string, string>>;
  lang: string;
  words: Record<string, string>;
  demo: boolean;
  /** The path that a proxy puts before ours; empty without one. */
  root: string;
  manifest: Record<string, CapabilityManifest>;
  voices: { id: string; languages: string[]; names: Record<string, string> }[];
  /** Letters a second by language. */
  pace: Record<string, number>;
}

export interface CapabilityManifest {
  media: { name: string; kind: MediaKind; most: number }[];
  /** Fields whose files a prompt may name by number. */
  numbered: string[];
  calls: SessionCall[];
  /** Field → kind of widget. */
  widgets: Record<string, string>;
}

export interface SessionCall {
  id: string;
  price: number;
  opens: boolean;
  /** The call under whose name the session keeps the answer. */
  kept: string;
  asks: string[];
}

export type MediaKind = 'image' | 'video' | 'audio';

// ------------------------------------------------------------------------ /api/jobs

export type JobState =
  | 'queued'
  | 'sending'
  | 'checking'
  | 'running'
  | 'saving'
  | 'done'
  | 'failed'
  | 'canceled'
  | 'unknown';

export interface Job {
  id: string;
  /** Click number and letter of the variant: "14A". */
  take: string;
  click?: number;
  capability: string;
  model?: string;
  rev?: number;
  state: JobState;
  progress: number;
  /** Which words describe it now, with their figures. */
  status?: JobStatusCode;
  params?: Params;
  price: number;
  created_at: number;
  updated_at: number;
  started_at?: number | null;
  took?: number | null;
  cancel_asked?: boolean;
  assets?: Asset[];
  error?: { code: string; message: string; next?: string } | null;
  queue_position?: number | null;
  /** Median and 90th percentile, ms. */
  typical?: [number, number] | null;
  inputs?: Record<string, { url: string; kind: MediaKind }>;
  /** Settings that the model did not take. */
  unsent?: string[];
}

export interface JobStatusCode {
  code?: string;
  /** When it is tried again, ms since 1970. */
  at?: number;
  /** ms until it starts. */
  eta?: number | null;
  said?: string;
  got?: number;
  size?: number;
  reason?: string;
}

export interface Asset {
  id?: string;
  kind: MediaKind;
  url: string;
  poster_url?: string | null;
  width?: number | null;
  height?: number | null;
  duration?: number | null;
}

/** Values of a request by field, as the page and the API hold them. */
export type Params = Record<string, unknown>;

export interface JobsAnswer {
  rev?: number;
  reset?: boolean;
  jobs?: Job[];
  counts?: Counts;
  credits?: Balance;
  notice?: Notice | null;
  /** `[position, eta]` by job. */
  queue_positions?: Record<string, [number, number | null]>;
}

export interface Counts {
  running?: number;
  queued?: number;
}

export interface Balance {
  available?: number;
  held?: number;
  spent?: number;
}

/** Why every submit waits. */
export interface Notice {
  code: string;
  message: string;
  /** Seconds by which the clock is off, if that is why. */
  clock?: number | null;
}

// ------------------------------------------------------------------------ the answers of a form: ui/form/quote.py

/** Everything that a form's answer box may bring. */
export type FormAnswer = Quote | SendAnswer | FileAnswer;

interface AnswerHead {
  capability: string;
  /** Fields whose complaints are settled. */
  cleared?: string[];
  wrong?: Record<string, string>;
}

export interface FileAnswer extends AnswerHead {
  kind: 'file';
  slot?: string;
}

export interface Quote extends AnswerHead {
  kind: 'quote';
  state: 'ready' | 'blocked' | 'short';
  /** Names what would be bought: capability, params and variants. */
  key: string;
  /** The number of the question that it answers; none for a form that was restored. */
  asked?: number | null;
  variants: number;
  params: Params;
  price: number | null;
  working?: string;
  errors: Record<string, string>;
  missing: string[];
  warnings?: Finding[];
  other?: string | null;
  available?: number;
  left?: number;
  ask?: boolean;
  short?: number;
  afford?: number;
  field_states: Record<string, FieldState>;
  changed: Record<string, unknown>;
  /** Parts that wait out of sight. */
  unused_slots: string[];
  optional: string[];
  advanced: string[];
  choices: Record<string, number>;
  autos: Record<string, number>;
  /** The number of the update that it answers. */
  update?: number;
  lost?: Lost[];
}

export interface SendAnswer extends AnswerHead {
  kind: 'sent';
  state: 'sent' | 'moved' | 'blocked' | 'short';
  key: string;
  click: string;
  take?: string;
  variants: number;
  errors: Record<string, string>;
  missing: string[];
}

/** How a field stands with the chosen model. */
export interface FieldState {
  how: 'shown' | 'hidden' | 'offer';
  model: string;
  values: string[];
  refused: unknown;
  neutral: unknown;
  offers: { fix: Params; delta: number | null }[];
}

export interface Finding {
  id: string;
  severity: 'error' | 'warning' | 'hint';
  field?: string;
  message?: string;
  figures: Figures & { field?: string; other?: string; value?: unknown };
  fix?: Params;
}

/** A setting that a form cannot hold. */
export interface Lost {
  field: string;
  value: string | number;
}

/** A change of a form, for ui/form/updates.py. */
export interface FormPatch {
  params?: Params;
  /** "all": the rest goes back to its defaults; "prompt": nothing but the prompt. */
  what?: 'all' | 'prompt';
  /** A place whose file is to be shown again. */
  show?: string;
}

// ------------------------------------------------------------------------ sessions

export interface Session {
  id: string;
  /** By the name under which the call's answer is kept. */
  answers: Record<string, SessionAnswer | undefined>;
}

/** What a call answers; each kind of call fills fields of its own. */
export interface SessionAnswer {
  /** What the call was asked with. */
  asked: Params;
  faces?: Face[];
  fps?: number;
  total_frame?: number;
  width?: number;
  height?: number;
  /** PNGs in base64. */
  masks?: string[];
  video?: { url: string };
  audio?: { url: string };
}

export interface Face {
  face_id: string;
  start_time: number;
  end_time: number;
  image?: { url: string };
}

export interface Point {
  x: number;
  y: number;
  /** It is under way to Kling. */
  waits?: boolean;
}

// ------------------------------------------------------------------------ the rest of the routes

export interface Sample {
  id: string;
  capability: string;
  title?: string;
  title_en?: string;
  title_zh?: string;
  prompt?: string;
  still: string;
  clip?: string;
  params: Params & { prompt?: string };
}

/** GET /api/doctor */
export interface Report {
  problems: Sign[];
  warnings: Sign[];
  pools: { name: string; used: number; cap: number }[];
}

export interface Sign {
  code: string;
  figures: Figures & { code?: string; message?: string; task?: string; price?: number };
  message: string;
  next: string;
}

/** ui/credits.py */
export interface Statement {
  balance: Required<Balance>;
  granted: number;
  held: HeldRow[];
  lines: StatementLine[];
  older: number;
  sheets: { key: string; spent: number; n: number; calls: number }[];
}

export interface HeldRow {
  job_id: string;
  take: string;
  capability: string;
  amount: number;
}

export interface StatementLine {
  kind: 'grant' | 'reserve' | 'settle' | 'release' | 'adjust' | 'prepare';
  click: string;
  n: number;
  amount: number;
  at: number;
  balance: number;
  credit_key: string | null;
  take: string | null;
  took: number | null;
}

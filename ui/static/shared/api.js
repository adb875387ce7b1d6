// Requests to the studio's own routes.

/** @import { Answer } from './types.d.ts' */

/**
 * An address of this studio, below the path that a proxy may put before it.
 *
 * @param {string} path
 */
export const at = path => `${window.STUDIO?.root ?? ''}${path}`;

/**
 * Sends JSON; never throws. Without an answer the code is "network".
 *
 * @template [Body=unknown]
 * @param {string} path
 * @param {unknown} [body]
 * @param {string} [method]
 * @param {number} [timeout] ms
 * @returns {Promise<Answer<Body>>}
 */
export async function send(path, body, method = 'POST', timeout = 15000) {
  try {
    const response = await fetch(at(path), {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(timeout),
    });
    const answer = await response.json().catch(() => ({}));
    const { code, message } = answer.error ?? {};
    return { ok: response.ok, status: response.status, body: answer, code, message };
  } catch {
    return { ok: false, body: /** @type {Body} */ ({}), code: 'network', message: '' };
  }
}

/**
 * Hands in a file like a person's own; answers its asset id, or null where it was refused.
 *
 * @param {Blob} content
 * @param {string} name
 * @returns {Promise<string | null>}
 */
export async function upload(content, name) {
  const body = new FormData();
  body.append('file', content, name);
  const answer = await fetch(at('/api/uploads'), { method: 'POST', body });
  return answer.ok ? (await answer.json()).asset.id : null;
}

// Fills a form with the settings of a job or of a sample.

import { openCapability } from './navigation.js';
import { updateForm } from './price.js';

/** @import { FormPatch, Job, Params } from '../shared/types.d.ts' */

/**
 * The settings of a job, in the form that made it.
 *
 * @param {Job} job
 * @param {FormPatch['what']} [what]
 */
export function fillFromJob(job, what = 'all') {
  openCapability(job.capability);
  updateForm(job.capability, { params: job.params, what });
}

/**
 * @param {string} capability
 * @param {Params} params
 */
export function fillFromSample(capability, params) {
  openCapability(capability);
  updateForm(capability, { params, what: 'all' });
}

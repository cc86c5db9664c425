import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';

/**
 * @throws SoftDeleteConfigError if an option of a purge's handler is unknown or of the wrong type
 * @internal
 */
export function requirePurgeHandlerOptions(where: string, options: { readonly fields?: unknown }): void {
  refuseUnknownOptions(where, options, ['fields']);
  requireType(`${where}, fields`, options.fields, 'list');
  (options.fields as unknown[] | undefined)?.forEach((field) =>
    requireType(`${where}, fields`, field ?? null, 'string'),
  );
}

import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { showValue } from '../../errors/text/show-value.js';
import { refuseUnknownOptions } from '../../options/refuse-unknown-options.js';
import { requireType } from '../../options/require-type.js';

/**
 * @throws SoftDeleteConfigError if a hook is for no entity, or an option of it is unknown or of the wrong type
 * @internal
 */
export function requireHookOptions(where: string, entity: unknown, options: { readonly fields?: unknown }): void {
  if (!entity || !['function', 'object'].includes(typeof entity)) {
    throw new SoftDeleteConfigError(
      where,
      `${showValue(entity)} is not an entity.`,
      'Write the class. An undefined one usually comes from a circular import.',
    );
  }
  refuseUnknownOptions(where, options, ['fields']);
  requireType(`${where}, fields`, options.fields, 'list');
  (options.fields as unknown[] | undefined)?.forEach((field) =>
    requireType(`${where}, fields`, field ?? null, 'string'),
  );
}

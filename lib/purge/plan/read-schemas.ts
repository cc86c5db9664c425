import { PurgeSchemasError } from '../../errors/purge-schemas.error.js';
import type { PurgeOptions } from '../../options/soft-delete-module-options.js';

/**
 * The schemas in which entities of schema `'*'` live at present, each once.
 *
 * @throws PurgeSchemasError if nobody can tell
 * @internal
 */
export async function readSchemas(schemas: NonNullable<PurgeOptions['schemas']>): Promise<readonly string[]> {
  let answer: unknown;
  try {
    answer = await schemas();
  } catch (thrown) {
    throw new PurgeSchemasError({ thrown });
  }
  if (!Array.isArray(answer) || answer.some((name) => typeof name !== 'string' || name === '' || name === '*')) {
    throw new PurgeSchemasError({ answer });
  }
  return [...new Set(answer as string[])];
}

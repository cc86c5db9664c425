import type { EntityMetadata } from '@mikro-orm/core';
import { CliError } from './cli.error.js';

/**
 * A primary key as somebody types it: a value, or a JSON array of the values of a composite key in the order of their declaration.
 *
 * @throws CliError if it cannot be a key of the entity
 * @internal
 */
export function parseKey(meta: EntityMetadata, text: string): unknown {
  const props = meta.root.getPrimaryProps();
  if (props.length === 1) {
    const isNumber =
      props[0]!.runtimeType === 'number' || props[0]!.targetMeta?.getPrimaryProp().runtimeType === 'number';
    if (isNumber && !Number.isFinite(Number(text || NaN))) {
      throw new CliError(`"${text}" is not a key of ${meta.className}, which is a number.`);
    }
    return isNumber ? Number(text) : text;
  }
  const names = props.map(({ name }) => name).join(', ');
  const key = parseJson(text);
  if (!Array.isArray(key) || key.length !== props.length) {
    throw new CliError(
      `"${text}" is not a key of ${meta.className}. Its key is composite: write a JSON array of ${names}, such as '[1,2]'.`,
    );
  }
  return key;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

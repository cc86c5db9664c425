import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';
import { parseTime } from '../options/parse-time.js';
import { plainValue } from './plain-value.js';

/** The primary key of an entity as text: a single one as it is, a composite one as a JSON array. @internal */
export function keyText(meta: EntityMetadata, key: unknown): string {
  const shown = meta.root.getPrimaryProps().length === 1 ? plainValue(key) : (key as unknown[]).map(plainValue);
  return typeof shown === 'string' ? shown : JSON.stringify(shown);
}

/** The key that a text means, as the entity has it; `undefined` if it cannot be one of this entity's. @internal */
export function readKey(meta: EntityMetadata, text: string): unknown {
  const props = meta.root.getPrimaryProps();
  if (text === '') {
    return undefined;
  }
  return props.length === 1 && !props[0]!.targetMeta?.compositePK
    ? readPart(scalarOf(props[0]!), text)
    : readParts(meta, readJson(text));
}

function readParts(meta: EntityMetadata, values: unknown): unknown[] | undefined {
  const props = meta.root.getPrimaryProps();
  if (!Array.isArray(values) || values.length !== props.length) {
    return undefined;
  }
  const parts = props.map((prop, i) =>
    prop.targetMeta?.compositePK ? readParts(prop.targetMeta, values[i]) : readPart(scalarOf(prop), values[i]),
  );
  return parts.includes(undefined) ? undefined : parts;
}

/** The property whose value a reference to a row with a single key holds. */
function scalarOf(prop: EntityProperty): EntityProperty {
  return prop.targetMeta ? scalarOf(prop.targetMeta.getPrimaryProps()[0]!) : prop;
}

function readPart({ runtimeType }: EntityProperty, value: unknown): unknown {
  const text = String(value);
  // JSON has made another number of one that is too large.
  const isLost = typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
  if ((typeof value !== 'string' && typeof value !== 'number') || isLost || text.includes('\0')) {
    return undefined;
  }
  switch (runtimeType) {
    case 'number':
      return readNumber(text);
    case 'bigint':
      return /^-?\d+$/.test(text) ? BigInt(text) : undefined;
    case 'Date':
      return text.includes('T') ? parseTime(text) : undefined;
    case 'Buffer':
    case 'Uint8Array':
      return /^([\da-f]{2})*$/i.test(text) ? Buffer.from(text, 'hex') : undefined;
    default:
      return text;
  }
}

/**
 * A number that says as much as its text: of a longer one, JavaScript would make another number, which may be the key of another row.
 */
function readNumber(text: string): number | undefined {
  if (!/^-?\d+(\.\d+)?$/.test(text)) {
    return undefined;
  }
  const number = Number(text);
  // Every number of 15 digits is told from every other.
  const isExact = text.includes('.') ? text.replace(/^-?[0.]*|\./g, '').length <= 15 : Number.isSafeInteger(number);
  return isExact ? number : undefined;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

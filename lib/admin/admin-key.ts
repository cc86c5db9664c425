import { type EntityMetadata, type EntityProperty, Utils } from '@mikro-orm/core';
import { BadRequestException } from '@nestjs/common';

/** The primary key of an entity as text: a single one as it is, a composite one as a JSON array. @internal */
export function keyText(meta: EntityMetadata, key: unknown): string {
  const shown = meta.root.getPrimaryProps().length === 1 ? plain(key) : (key as unknown[]).map(plain);
  return typeof shown === 'string' ? shown : JSON.stringify(shown);
}

/**
 * The key that a text means, as the entity has it.
 *
 * @throws BadRequestException to the client, if it is none of this entity's
 * @internal
 */
export function parseKey(meta: EntityMetadata, text: unknown): unknown {
  if (typeof text !== 'string' || text === '') {
    throw refuse(meta, text);
  }
  const props = meta.root.getPrimaryProps();
  if (props.length === 1 && !props[0]!.targetMeta?.compositePK) {
    return parsePart(meta, scalarOf(props[0]!), text);
  }
  return parseParts(meta, meta, parseArray(meta, text));
}

/** A value as JSON carries it. @internal */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return value.toString();
  }
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? null : value.toISOString();
  }
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (Utils.isPlainObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
  }
  return value;
}

function parseParts(whole: EntityMetadata, meta: EntityMetadata, values: unknown): unknown {
  const props = meta.root.getPrimaryProps();
  if (!Array.isArray(values) || values.length !== props.length) {
    throw refuse(whole, values);
  }
  return props.map((prop, i) => {
    const value: unknown = values[i];
    return prop.targetMeta?.compositePK
      ? parseParts(whole, prop.targetMeta, value)
      : parsePart(whole, scalarOf(prop), value);
  });
}

/** The property whose value a reference to a row with a single key holds. */
function scalarOf(prop: EntityProperty): EntityProperty {
  return prop.targetMeta ? scalarOf(prop.targetMeta.getPrimaryProps()[0]!) : prop;
}

function parsePart(meta: EntityMetadata, prop: EntityProperty, value: unknown): unknown {
  const text = String(value);
  if ((typeof value !== 'string' && typeof value !== 'number') || text.includes('\0')) {
    throw refuse(meta, value);
  }
  switch (prop.runtimeType) {
    case 'number':
      return parseWith(meta, text, /^-?\d+(\.\d+)?$/, Number);
    case 'bigint':
      return parseWith(meta, text, /^-?\d+$/, BigInt);
    case 'Date':
      return parseWith(meta, text, /^\d{4}-\d\d-\d\dT/, (iso) => new Date(iso));
    case 'Buffer':
    case 'Uint8Array':
      return parseWith(meta, text, /^([\da-f]{2})*$/i, (digits) => Buffer.from(digits, 'hex'));
    default:
      return text;
  }
}

function parseWith<Value>(meta: EntityMetadata, text: string, form: RegExp, read: (text: string) => Value): Value {
  if (!form.test(text)) {
    throw refuse(meta, text);
  }
  const value = read(text);
  if (value instanceof Date && Number.isNaN(value.getTime())) {
    throw refuse(meta, text);
  }
  return value;
}

function parseArray(meta: EntityMetadata, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse(meta, text);
  }
}

function refuse(meta: EntityMetadata, given: unknown): BadRequestException {
  const { root } = meta;
  const form = root.compositePK ? `a JSON array of ${root.primaryKeys.join(', ')}` : root.primaryKeys[0]!;
  const shown = (typeof given === 'string' ? given : (JSON.stringify(given) ?? 'undefined')).slice(0, 100);
  return new BadRequestException(`"${shown}" is no key of ${root.className}. Write ${form} as text.`);
}

import { type EntityMetadata, type EntityProperty, ReferenceKind } from '@mikro-orm/core';

/**
 * Values of an entity's snapshot as the driver would return them, which is what the hydrator reads. A snapshot holds what the ORM
 * would send (`getPropertySnapshot` in `EntityComparator.js`): of json a text, which hydrated as it is would be encoded once more
 * by the next flush, where the driver returns what the text says.
 *
 * @param original - the whole snapshot: an embedded object is hydrated from all of its columns
 * @param changed - the values that are to be hydrated
 * @internal
 */
export function snapshotAsRow(
  meta: EntityMetadata,
  original: Readonly<Record<string, unknown>>,
  changed: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const properties = meta.properties as Record<string, EntityProperty>;
  const row: Record<string, unknown> = {};
  const add = (name: string) => {
    if (name in original && !(name in row)) {
      row[name] = parseJson(properties[name], original[name]);
    }
  };
  for (const name of Object.keys(changed)) {
    add(name);
    for (let embedded = embeddedOf(properties[name]); embedded; embedded = embeddedOf(properties[embedded])) {
      columnsBelow(properties[embedded]!).forEach(add);
    }
  }
  return row;
}

function embeddedOf(prop: EntityProperty | undefined): string | undefined {
  return prop?.embedded?.[0];
}

function columnsBelow({ embeddedProps }: EntityProperty): string[] {
  return Object.values(embeddedProps).flatMap((prop) =>
    prop.kind === ReferenceKind.EMBEDDED && !prop.object ? columnsBelow(prop) : [prop.name],
  );
}

function parseJson(prop: EntityProperty | undefined, value: unknown): unknown {
  const isJson = prop?.kind === ReferenceKind.SCALAR && /^jsonb?$/i.test(prop.columnTypes?.[0] ?? '');
  return isJson && typeof value === 'string' ? (JSON.parse(value) as unknown) : value;
}

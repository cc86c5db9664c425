import { type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import { isShown } from '../../../lib/metadata/shown-properties.js';
import type { SoftDeletableEntityMetadata } from '../../../lib/metadata/soft-delete-catalog.js';

describe(isShown.name, () => {
  const entry = { property: 'deletedAt' } as SoftDeletableEntityMetadata;
  const shows = (prop: object) =>
    isShown({ name: 'it', kind: ReferenceKind.SCALAR, ...prop } as unknown as EntityProperty, entry);

  it.each([
    { kind: ReferenceKind.SCALAR },
    { kind: ReferenceKind.MANY_TO_ONE },
    { kind: ReferenceKind.ONE_TO_ONE, owner: true },
    { kind: ReferenceKind.EMBEDDED },
    { columnTypes: ['text'] },
  ])('shows what is a column: %p', (prop) => {
    expect(shows(prop)).toBe(true);
  });

  it.each([
    { kind: ReferenceKind.ONE_TO_ONE, owner: false },
    { kind: ReferenceKind.ONE_TO_MANY },
    { kind: ReferenceKind.MANY_TO_MANY, owner: true },
    { hidden: true },
    { lazy: true },
    { embedded: ['address', 'city'] },
    { persist: false },
    { name: 'deletedAt' },
    { columnTypes: ['bytea'] },
  ])('keeps back what is hidden, large or none: %p', (prop) => {
    expect(shows(prop)).toBe(false);
  });
});

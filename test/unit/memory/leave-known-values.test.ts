import { ChangeSetType, helper } from '@mikro-orm/core';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { leaveKnownValues } from '../../../lib/memory/leave-known-values.js';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';

const Customer = softDeletable(
  defineEntity({
    name: 'Customer',
    properties: {
      id: p.integer().primary(),
      name: p.string(),
      tags: p.json(),
      deletedAt: p.datetime().columnType('timestamptz').nullable(),
    },
  }),
);
const Plain = defineEntity({ name: 'Plain', properties: { id: p.integer().primary(), name: p.string() } });

describe(leaveKnownValues, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Customer, Plain], extensions: [softDelete()] });
  const catalog = SoftDeleteCatalog.of(orm.em as never);

  function left({ type = ChangeSetType.UPDATE, isLoaded = false, known = {} as object | undefined, of = 'Customer' }) {
    const em = orm.em.fork();
    const entity: any = em.getReference(of as never, 1 as never);
    helper(entity).__initialized = isLoaded;
    helper(entity).__originalEntityData = known as never;
    const payload = { name: 'Ada', tags: ['a'] };
    const meta = [...orm.getMetadata()].find(({ className }) => className === of)!;
    leaveKnownValues({ getChangeSets: () => [{ entity, meta, payload, type }] } as never, catalog);
    return payload;
  }

  it('leaves out of the update of a bare reference what its row is known to hold', () => {
    expect(left({ known: { name: 'Ada', tags: ['a'] } })).toEqual({});
    expect(left({ known: { name: 'Bob', tags: ['a'] } })).toEqual({ name: 'Ada' });
    expect(left({ known: {} })).toEqual({ name: 'Ada', tags: ['a'] });
  });

  it.each<[string, Parameters<typeof left>[0]]>([
    ['of a loaded entity', { isLoaded: true }],
    ['that is an insert', { type: ChangeSetType.CREATE }],
    ['of an entity of which nothing is known', { known: undefined }],
    ['of an entity that is not deleted softly', { of: 'Plain' }],
  ])('leaves a change alone %s', (_, options) => {
    expect(left({ known: { name: 'Ada', tags: ['a'] }, ...options })).toEqual({ name: 'Ada', tags: ['a'] });
  });
});

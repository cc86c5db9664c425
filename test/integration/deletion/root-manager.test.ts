import { RequestContext } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Account } from '../../support/library.js';
import { useLibrary } from '../../support/use-library.js';

/** Nest injects the ORM's root entity manager, which hands every call on to the one of the request. */
describe('The root entity manager', () => {
  const library = useLibrary();

  beforeEach(async () => {
    await library.database.query(`insert into account (email) values ('ada@example.com'), ('grace@example.com')`);
  });

  const writes: [string, (em: EntityManager) => Promise<unknown>, unknown[]][] = [
    ['flush', (em) => (em.remove(em.getReference(Account, 1)), em.flush()), [true, false]],
    ['transactional', (em) => em.transactional(async (tx) => tx.remove(tx.getReference(Account, 1))), [true, false]],
    ['nativeUpdate', (em) => em.nativeUpdate(Account, { id: 1 }, { deletedAt: new Date() }), [true, false]],
    ['nativeDelete', (em) => em.nativeDelete(Account, { id: 2 }), [false, true]],
    ['insert', (em) => em.insert(Account, { email: 'linus@example.com' }), [false, false, false]],
    ['insertMany', (em) => em.insertMany(Account, [{ email: 'linus@example.com' }]), [false, false, false]],
    ['upsert', (em) => em.upsert(Account, { id: 3, email: 'linus@example.com' }), [false, false, false]],
    ['upsertMany', (em) => em.upsertMany(Account, [{ id: 3, email: 'linus@example.com' }]), [false, false, false]],
  ];

  it.each(writes)('writes in a request by %s()', async (_, write, deleted) => {
    const root = library.orm.em as EntityManager;
    await RequestContext.create(root, () => write(root));
    expect(await library.deleted('account')).toEqual(deleted);
  });
});

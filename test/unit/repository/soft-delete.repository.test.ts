import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';

const Customer = softDeletable(
  defineEntity({
    name: 'Customer',
    properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
  }),
);

describe(SoftDeleteRepository, () => {
  it('takes no entity for a target that has no key yet', async () => {
    const orm = await MikroORM.init({ dbName: 'none', entities: [Customer], extensions: [softDelete()] });
    await orm.close();
    const em = orm.em.fork();
    const repository = new SoftDeleteRepository(em as never, Customer as never);
    const unsaved = em.create(Customer, {} as never, { persist: false });
    for (const operation of ['softDelete', 'restore', 'hardDelete'] as const) {
      await expect(repository[operation](unsaved as never)).rejects.toThrow(
        `${operation}(): the Customer has no primary key yet. Flush it first.`,
      );
      await expect(repository[operation]([unsaved] as never)).rejects.toThrow('Flush it first.');
    }
  });
});

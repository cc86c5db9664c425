import { ChangeSetType, helper } from '@mikro-orm/core';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { SoftDeleteSubscriber } from '../../../lib/flush/soft-delete.subscriber.js';
import { getInstallation } from '../../../lib/installation/installation.js';

const Customer = softDeletable(
  defineEntity({
    name: 'Customer',
    properties: {
      id: p.integer().primary(),
      name: p.string(),
      deletedAt: p.datetime().columnType('timestamptz').nullable(),
    },
  }),
);

describe(SoftDeleteSubscriber, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Customer], extensions: [softDelete()] });
  const installation = getInstallation(orm.em as never);
  let subscriber: SoftDeleteSubscriber;
  beforeEach(() => {
    subscriber = new SoftDeleteSubscriber(installation);
    installation.requiresReason = false;
  });

  /** An entity manager in a transaction, if one is given, that has removed a customer. */
  function removing(ctx?: object) {
    const em = orm.em.fork();
    if (ctx) {
      em.setTransactionContext(ctx as never);
    }
    const customer: any = em.merge(Customer, { id: 1, name: 'Ada', deletedAt: null } as never);
    em.remove(customer);
    const uow = em.getUnitOfWork();
    const args = { em, uow } as never;
    const plan = async () => {
      await subscriber.planRemovals(args);
      subscriber.turnRemovals(args);
      await subscriber.completePlan(args);
    };
    return { em, uow, args, customer, plan, isInProcess: () => helper(customer).__processing };
  }
  const managerOf = (...args: Parameters<SoftDeleteSubscriber['current']>) => subscriber.current(...args)?.em;

  it('finds the flush under way by its transaction, whatever is logged', async () => {
    const [first, second] = [{}, {}] as [any, any];
    const [one, other] = [removing(first), removing(second)];
    expect(managerOf(first, one.em.id)).toBeUndefined();
    await one.plan();
    await other.plan();
    expect([managerOf(first, other.em.id), managerOf(second, one.em.id)]).toEqual([one.em, other.em]);
    expect([managerOf(first, undefined), managerOf({} as never, one.em.id)]).toEqual([one.em, undefined]);
  });

  it('finds the flush under way by its entity manager where there is no transaction', async () => {
    const [one, other] = [removing({}), removing({})];
    await one.plan();
    await other.plan();
    expect([managerOf(undefined, other.em.id), managerOf(undefined, one.em.id)]).toEqual([other.em, one.em]);
    expect(managerOf(undefined, undefined)).toBeUndefined();
  });

  it('forgets a flush that is over, and no other', async () => {
    const [first, second] = [{}, {}] as [any, any];
    const [one, other] = [removing(first), removing(second)];
    await one.plan();
    await other.plan();
    subscriber.afterFlush(one.args);
    expect([managerOf(first, undefined), managerOf(second, undefined)]).toEqual([undefined, other.em]);
  });

  it('makes updates of what is removed, before anything is inserted', async () => {
    const { uow, customer, plan } = removing({});
    await plan();
    expect(uow.getRemoveStack().size).toBe(0);
    expect(uow.getChangeSets().map(({ entity, type }) => [entity, type])).toEqual([
      [customer, ChangeSetType.UPDATE_EARLY],
    ]);
  });

  it('keeps the unit of work from what it removes while a flush is under way, and lets go when that is rolled back', async () => {
    const ctx: any = {};
    const { em, plan, isInProcess } = removing(ctx);
    await plan();
    expect(isInProcess()).toBe(true);
    subscriber.afterTransactionRollback({ em, transaction: ctx } as never);
    expect([isInProcess(), managerOf(ctx, undefined)]).toEqual([false, undefined]);
  });

  it('goes on with a flush in which an operation of its own was taken back', async () => {
    const [ctx, own] = [{}, {}] as [any, any];
    const { em, plan, isInProcess } = removing(ctx);
    await plan();
    installation.transactions.claim(own);
    subscriber.afterTransactionRollback({ em, transaction: own } as never);
    expect([isInProcess(), managerOf(ctx, undefined)]).toEqual([true, em]);
  });

  it('begins anew where a flush has failed before', async () => {
    const { em, plan, args, isInProcess } = removing({});
    await plan();
    await subscriber.planRemovals(args);
    expect([isInProcess(), managerOf(undefined, em.id)]).toEqual([false, undefined]);
  });

  it('plans nothing where its manager of events is attended, and says once that it was not', async () => {
    const { em, uow, args } = removing({});
    expect(subscriber.attend(em.getEventManager())).toBe(true);
    expect(subscriber.attend(em.getEventManager())).toBe(false);
    await subscriber.beforeFlush(args);
    await subscriber.onFlush(args);
    expect([uow.getRemoveStack().size, uow.getChangeSets().length]).toEqual([1, 0]);
  });

  it('plans a flush by itself otherwise', async () => {
    const { uow, args } = removing({});
    await subscriber.beforeFlush(args);
    expect([uow.getRemoveStack().size, uow.getChangeSets().length]).toEqual([0, 0]);
    await subscriber.onFlush(args);
    expect(uow.getChangeSets()).toHaveLength(1);
  });

  it('refuses to delete without a transaction, before anything is written', async () => {
    const { em, plan } = removing();
    em.config.set('implicitTransactions', false);
    try {
      await expect(plan()).rejects.toThrow(/^implicitTransactions: a flush without a transaction/);
    } finally {
      em.config.set('implicitTransactions', true);
    }
    const later = removing();
    await later.plan();
    expect(managerOf(undefined, later.em.id)).toBe(later.em);
  });

  it('refuses to delete without the reason that the module asks for', async () => {
    installation.requiresReason = true;
    await expect(removing({}).plan()).rejects.toThrow(/^The deletion by a flush was refused: it has no reason/);
  });

  it('has nothing to do for a flush that removes nothing', async () => {
    const em = orm.em.fork();
    em.setTransactionContext({} as never);
    const args = { em, uow: em.getUnitOfWork() } as never;
    installation.requiresReason = true;
    await subscriber.planRemovals(args);
    subscriber.turnRemovals(args);
    await subscriber.completePlan(args);
    expect(managerOf(undefined, em.id)).toBeUndefined();
  });
});

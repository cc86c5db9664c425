import type { EntityManager } from '@mikro-orm/postgresql';

/** Runs something in a transaction that is rolled back, and returns what it would have given. @internal */
export async function rehearse<Result>(em: EntityManager, work: (em: EntityManager) => Promise<Result>): Promise<Result> {
  const enough = Symbol('enough');
  let result!: Result;
  try {
    await em.transactional(async (tx) => {
      result = await work(tx as EntityManager);
      // oxlint-disable-next-line no-throw-literal
      throw enough;
    });
  } catch (error) {
    if (error !== enough) {
      throw error;
    }
  }
  return result;
}

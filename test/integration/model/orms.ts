import type { Options } from '@mikro-orm/postgresql';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { LateSubscriber } from './late-subscriber.js';
import { Cover, modelEntities, UNIQUE_INDEXES } from './model-entities.js';
import { lives } from './neighbours.js';

/**
 * Not the covers: where the other side of a one-to-one relation has a filter, the ORM's select-in strategy loads only rows with such
 * another side.
 */
const tenantEntities = modelEntities.filter((entity) => entity !== Cover);

const options = (contextName: string, forceUndefined: boolean): Partial<Options> => ({
  contextName,
  forceUndefined,
  debug: false,
  allowGlobalContext: true,
  filters: lives('tenants')
    ? { tenant: { name: 'tenant', cond: ({ tenant }) => ({ tenant }), default: true, entity: tenantEntities } }
    : {},
});

export interface ModelOrm extends TestOrm {
  readonly late: LateSubscriber;
}

/** The ORMs over the model's classes, each with a database of its own. */
export class Orms {
  #stranger: TestOrm | undefined;

  private constructor(readonly installed: readonly [ModelOrm, ...ModelOrm[]]) {}

  static async create(): Promise<Orms> {
    const undefineds = lives('force-undefined');
    const first = await createInstalled(options('default', undefineds && !lives('orms')));
    return new Orms(lives('orms') ? [first, await createInstalled(options('second', undefineds))] : [first]);
  }

  /** Initialises one more ORM over the same classes, without soft deletion: what hangs on the classes is its own from then on. */
  async letStrangerIn(): Promise<void> {
    if (!this.#stranger && lives('orms')) {
      this.#stranger = await createTestOrm(modelEntities, options('stranger', false), false);
    }
  }

  async close(): Promise<void> {
    for (const orm of [...this.installed, this.#stranger]) {
      await orm?.close();
    }
  }
}

async function createInstalled(settings: Partial<Options>): Promise<ModelOrm> {
  const orm = await createTestOrm(modelEntities, settings);
  await orm.database.query(UNIQUE_INDEXES);
  const late = new LateSubscriber();
  if (lives('late-subscriber')) {
    orm.orm.em.getEventManager().registerSubscriber(late);
  }
  return { ...orm, late };
}

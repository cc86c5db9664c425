import { ChangeSetType, type EventSubscriber, type FlushEventArgs } from '@mikro-orm/core';
import type { World } from './world.js';

/** A subscriber of the application's that removes while a flush is under way. It is registered after the package's. */
export class LateSubscriber implements EventSubscriber {
  /** Whose managers it looks after. */
  world: World | undefined;

  beforeFlush({ em }: FlushEventArgs): void {
    this.#take(em, 'beforeFlush').forEach((entity) => em.remove(entity));
  }

  onFlush({ em, uow }: FlushEventArgs): void {
    this.#take(em, 'onFlush').forEach((entity) => uow.computeChangeSet(entity, ChangeSetType.DELETE));
  }

  #take(em: FlushEventArgs['em'], door: 'beforeFlush' | 'onFlush'): object[] {
    const m = this.world?.managers.find((each) => each.em === em);
    const entities = [...(m?.late ?? [])].filter(([, wanted]) => wanted === door).map(([entity]) => entity);
    entities.forEach((entity) => m!.late.delete(entity));
    return entities;
  }
}

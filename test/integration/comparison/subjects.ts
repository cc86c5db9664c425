import { type ChangeSet, ChangeSetType, type EventSubscriber, type FlushEventArgs } from '@mikro-orm/core';
import { Filter } from '@mikro-orm/decorators/legacy';
import type { MikroORM } from '@mikro-orm/postgresql';
import { installSoftDelete, SoftDeletable, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createLibrary, type Library, type Marks } from './library.js';

/** One way of soft deletion. */
export interface Subject {
  readonly title: string;
  readonly library: Library;
  readonly subscribers: EventSubscriber[];
  /** The name of its filter. */
  readonly filter: string;
  /** Whether it has operations of its own: restoring, refusing. */
  readonly hasRepository: boolean;
  install(orm: MikroORM): void;
}

const KINDS = ['Author', 'Book', 'Chapter', 'Review', 'Cover', 'Tag'] as const;

const allMarked = (mark: () => ClassDecorator): Marks =>
  Object.fromEntries(KINDS.map((kind) => [kind, [mark()]])) as unknown as Marks;

/** The recipe of MikroORM's documentation: a subscriber that makes updates of deletions, and a filter on the entity. */
class RecipeSubscriber implements EventSubscriber {
  onFlush({ uow }: FlushEventArgs): void {
    for (const changeSet of uow.getChangeSets()) {
      if (changeSet.type === ChangeSetType.DELETE && changeSet.meta.properties['deletedAt' as never]) {
        (changeSet.entity as { deletedAt?: Date }).deletedAt = new Date();
        uow.computeChangeSet(changeSet.entity, ChangeSetType.UPDATE);
      }
    }
  }
}

/** What `mikro-orm-soft-delete` does, alike in 0.1.0 for MikroORM 5 and 1.0.0-alpha.1 for 6; neither loads with 7. */
class ChangeSetSubscriber implements EventSubscriber {
  constructor(private readonly isMarked: (entity: object) => boolean) {}

  onFlush({ uow }: FlushEventArgs): void {
    for (const changeSet of uow.getChangeSets() as ChangeSet<any>[]) {
      if (changeSet.type === ChangeSetType.DELETE && this.isMarked(changeSet.entity)) {
        changeSet.type = ChangeSetType.UPDATE;
        changeSet.entity.deletedAt = new Date();
        changeSet.payload['deletedAt'] = new Date();
      }
    }
  }
}

export function createSubjects(): Subject[] {
  const filterOn = (name: string) => () =>
    Filter({ name, cond: { deletedAt: null } as never, default: true }) as ClassDecorator;
  const changeSets = createLibrary(allMarked(filterOn('soft-deletable-filter')));
  const { Note } = changeSets;
  return [
    {
      title: "The documentation's recipe",
      library: createLibrary(allMarked(filterOn('softDelete'))),
      subscribers: [new RecipeSubscriber()],
      filter: 'softDelete',
      hasRepository: false,
      install: () => undefined,
    },
    {
      title: '`mikro-orm-soft-delete`',
      library: changeSets,
      subscribers: [new ChangeSetSubscriber((entity) => !(entity instanceof Note))],
      filter: 'soft-deletable-filter',
      hasRepository: false,
      install: () => undefined,
    },
    {
      title: 'This package',
      library: createLibrary(
        {
          ...allMarked(() => SoftDeletable() as ClassDecorator),
          Tag: [SoftDeletable({ relations: { books: 'restrict' } } as never) as ClassDecorator],
        },
        () => SoftDeleteRepository,
      ),
      subscribers: [],
      filter: 'softDelete',
      hasRepository: true,
      install: (orm) => installSoftDelete(orm),
    },
  ];
}

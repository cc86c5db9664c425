import { type Observable, Subject } from 'rxjs';

/**
 * Something that happened to the rows of one entity, after the outermost transaction has committed.
 *
 * @publicApi
 */
export interface SoftDeleteEvent {
  readonly type: 'deleted' | 'restored' | 'purged' | 'hard-deleted' | 'archived' | 'erased' | 'held' | 'released';
  /** The entity's name. */
  readonly entity: string;
  /** The primary keys: of up to 1,000 rows, and of all entities removed through the unit of work. */
  readonly keys?: readonly unknown[];
  /** How many rows. */
  readonly count: number;
  /** The time of deletion that marks the unit; for a purge, its cut-off. */
  readonly deletedAt?: Date;
  readonly actor?: string;
  readonly reason?: string;
}

/**
 * What was deleted, restored and removed for good, as it is committed.
 *
 * @publicApi
 */
export class SoftDeleteEvents {
  readonly #subject = new Subject<SoftDeleteEvent>();

  /**
   * Emits after the outermost commit and never for what was rolled back. Completes when the application closes.
   *
   * Listeners are called before the deletion's promise resolves, under the active scope. To read or write they take an entity
   * manager of their own: `em.fork()`.
   */
  readonly stream$: Observable<SoftDeleteEvent> = this.#subject.asObservable();

  readonly #outsideOfScopes: (call: () => void) => void;

  /** @param outsideOfScopes - calls listeners free of the scope of whoever deletes; what they await inherits that @internal */
  constructor(outsideOfScopes: (call: () => void) => void) {
    this.#outsideOfScopes = outsideOfScopes;
  }

  /** Whether anybody listens, so that it is worth finding out what the events are about. @internal */
  get isObserved(): boolean {
    return this.#subject.observed;
  }

  /** @internal */
  emit(event: SoftDeleteEvent): void {
    this.#outsideOfScopes(() => this.#subject.next(event));
  }

  /** @internal */
  complete(): void {
    this.#subject.complete();
  }
}

import { ChangeSetType, type EventArgs, type EventSubscriber, type FlushEventArgs } from '@mikro-orm/core';
import { currentUser } from './current-user.js';
import { AuditEntry, Comment, Document } from './entities.js';

/** Writes a row of the audit trail for every change of a flush, in the same transaction. */
export class AuditTrail implements EventSubscriber {
  constructor(private readonly listener: string) {}

  onFlush({ em, uow }: FlushEventArgs): void {
    for (const { entity, type, meta, payload } of uow.getChangeSets()) {
      if (entity instanceof AuditEntry) {
        continue;
      }
      const entry = em.create(AuditEntry, {
        listener: this.listener,
        action: type,
        entity: meta.className,
        key: String((entity as Document | Comment).id),
        fields: Object.keys(payload).sort(),
      });
      uow.computeChangeSet(entry, ChangeSetType.CREATE);
    }
  }
}

/** Says on a row who deleted it. */
export class Signer implements EventSubscriber<Document | Comment> {
  getSubscribedEntities() {
    return [Document, Comment];
  }

  beforeUpdate({ entity, changeSet }: EventArgs<Document | Comment>): void {
    if (changeSet && 'deletedAt' in changeSet.payload && !changeSet.originalEntity?.deletedAt) {
      entity.deletedBy = currentUser() ?? null;
    }
  }
}

/** Removes what is discarded, whoever flushes. */
export class Sweeper implements EventSubscriber {
  beforeFlush({ em, uow }: FlushEventArgs): void {
    for (const entity of uow.getIdentityMap().values()) {
      if (entity instanceof Document && entity.discarded && !entity.deletedAt) {
        em.remove(entity);
      }
    }
  }
}

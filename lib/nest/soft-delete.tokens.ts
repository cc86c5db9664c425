import { Utils } from '@mikro-orm/core';
import type { InjectionToken } from '@nestjs/common';
import type { AnyEntityName } from '../options/any-of-the-orm.js';
import { ErasureService } from '../compliance/erasure/erasure.service.js';
import { LegalHoldService } from '../compliance/hold/legal-hold.service.js';
import { DeletionLog } from '../compliance/record/deletion-log.js';
import { SoftDeleteDoctor } from '../doctor/soft-delete-doctor.js';
import { SoftDeleteEvents } from '../events/soft-delete-events.js';
import { PurgeService } from '../purge/purge.service.js';

/**
 * The injection token of the repository that `SoftDeleteModule.forFeature()` provides for an entity.
 *
 * @param contextName - the ORM, where the application has several
 * @publicApi
 */
export function getSoftDeleteRepositoryToken(entity: AnyEntityName, contextName?: string): string {
  return named(`${Utils.className(entity)}SoftDeleteRepository`, contextName);
}

/**
 * The injection token of the `PurgeService` of an ORM: the class itself, unless the ORM has a name.
 *
 * ```ts
 * constructor(@Inject(getPurgeServiceToken('crm')) private readonly purge: PurgeService) {}
 * ```
 *
 * @publicApi
 */
export function getPurgeServiceToken(contextName?: string): InjectionToken<PurgeService> {
  return contextName ? named(PurgeService.name, contextName) : PurgeService;
}

/**
 * The injection token of the `SoftDeleteEvents` of an ORM: the class itself, unless the ORM has a name.
 *
 * @publicApi
 */
export function getSoftDeleteEventsToken(contextName?: string): InjectionToken<SoftDeleteEvents> {
  return contextName ? named(SoftDeleteEvents.name, contextName) : SoftDeleteEvents;
}

/**
 * The injection token of the `SoftDeleteDoctor` of an ORM: the class itself, unless the ORM has a name.
 *
 * @publicApi
 */
export function getSoftDeleteDoctorToken(contextName?: string): InjectionToken<SoftDeleteDoctor> {
  return contextName ? named(SoftDeleteDoctor.name, contextName) : SoftDeleteDoctor;
}

/**
 * The injection token of the `DeletionLog` of an ORM: the class itself, unless the ORM has a name.
 *
 * @publicApi
 */
export function getDeletionLogToken(contextName?: string): InjectionToken<DeletionLog> {
  return contextName ? named(DeletionLog.name, contextName) : DeletionLog;
}

/**
 * The injection token of the `LegalHoldService` of an ORM: the class itself, unless the ORM has a name.
 *
 * @publicApi
 */
export function getLegalHoldServiceToken(contextName?: string): InjectionToken<LegalHoldService> {
  return contextName ? named(LegalHoldService.name, contextName) : LegalHoldService;
}

/**
 * The injection token of the `ErasureService` of an ORM: the class itself, unless the ORM has a name.
 *
 * @publicApi
 */
export function getErasureServiceToken(contextName?: string): InjectionToken<ErasureService> {
  return contextName ? named(ErasureService.name, contextName) : ErasureService;
}

function named(token: string, contextName: string | undefined): string {
  return contextName ? `${token}_${contextName}` : token;
}

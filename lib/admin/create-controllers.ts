import { Controller, type Type, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { AdminApiController } from './api/admin-api.controller.js';
import { AdminExceptionFilter } from './api/admin-exception.filter.js';
import { AdminPageController } from './admin-page.controller.js';
import type { AdminStaticOptions } from './soft-delete-admin.options.js';

/** The controllers of one `forRoot()`: paths and guards belong to classes. @internal */
export function createControllers({ path, guards, credentials, ui }: AdminStaticOptions): Type<unknown>[] {
  const guarded = guards === 'none' ? [] : guards;
  const isOpen = credentials !== undefined && credentials !== 'cookie';

  @Controller({ path: `${trim(path)}/api`, version: VERSION_NEUTRAL })
  @UseGuards(...guarded)
  @UseFilters(AdminExceptionFilter)
  class SoftDeleteAdminApiController extends AdminApiController {}

  @Controller({ path: trim(path), version: VERSION_NEUTRAL })
  @UseGuards(...(isOpen ? [] : guarded))
  class SoftDeleteAdminPageController extends AdminPageController {}

  return ui === false ? [SoftDeleteAdminApiController] : [SoftDeleteAdminPageController, SoftDeleteAdminApiController];
}

function trim(path: string): string {
  return path.replace(/^\/|\/$/g, '');
}

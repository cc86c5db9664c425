import { Delete, Query } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsDate } from 'class-validator';
import {
  type DeletionResult,
  DeletionResultDto,
  InjectSoftDeleteRepository,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { PageView } from '../entities/page-view.entity.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Admin } from './admin.decorator.js';

export class BeforeDto {
  /** @example "2026-01-01" */
  @IsDate()
  @Type(() => Date)
  before!: Date;
}

@Admin('page-views')
export class AdminPageViewsController {
  constructor(@InjectSoftDeleteRepository(PageView) private readonly views: SoftDeleteRepository<PageView>) {}

  /** Sweeps out the views before a time: one statement moves them to the archive. */
  @Delete()
  @ApiProblems(400)
  @ApiOkResponse({ type: DeletionResultDto })
  async sweep(@Query() { before }: BeforeDto): Promise<DeletionResult> {
    return this.views.softDelete({ viewedAt: { $lt: before } }, { actor: 'admin' });
  }
}

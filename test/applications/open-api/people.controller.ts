import { Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiExtraModels,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiQuery,
  getSchemaPath,
} from '@nestjs/swagger';
import {
  DeletedScope,
  DeletionPreviewDto,
  DeletionRestrictionDto,
  DeletionResultDto,
  RestoreConflictDto,
  RestorePreviewDto,
  RestoreResultDto,
  SoftDeleteProblemDto,
  WithDeleted,
} from 'nestjs-mikro-orm-soft-delete';
import { DeletionReason } from 'nestjs-mikro-orm-soft-delete/compliance';

/** Routes that controllers inherit. */
export abstract class ListController {
  @Get('list')
  list(@Query('page') page: string): string {
    return page;
  }
}

@Controller('people')
@WithDeleted({ query: 'withDeleted' })
export class PeopleController extends ListController {
  @Get('scope')
  @ApiQuery({ name: 'withDeleted', type: Boolean, description: 'Mine.' })
  scope(@DeletedScope('deleted') scope: DeletedScope): string {
    return scope;
  }

  @Delete(':id')
  @DeletionReason({ header: 'x-reason' })
  @ApiOkResponse({ type: DeletionResultDto })
  @ApiConflictResponse({ type: SoftDeleteProblemDto })
  @ApiNotFoundResponse({
    content: { 'application/problem+json': { schema: { $ref: getSchemaPath(SoftDeleteProblemDto) } } },
  })
  remove(@Param('id') id: string): string {
    return id;
  }

  @Get('conflicts')
  @ApiOkResponse({ type: [RestoreConflictDto] })
  conflicts(): RestoreConflictDto[] {
    return [];
  }

  @Post(':id/restore')
  @ApiOkResponse({ type: RestoreResultDto })
  @ApiExtraModels(DeletionPreviewDto, RestorePreviewDto, DeletionRestrictionDto)
  restore(@Param('id') id: string): string {
    return id;
  }
}

@Controller('other')
export class OtherController extends ListController {}

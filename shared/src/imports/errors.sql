-- An import without such mistakes is one row of nulls; an import that is not there is none.
select
    error.number as "number?", error.row_number as "row_number?", error.field as "field?", error.code as "code?",
    error.message as "message?"
from imports
left join import_errors as error on error.job_id = imports.job_id and error.number > $3
where imports.owner_id = $1 and imports.job_id = $2
order by error.number
limit $4

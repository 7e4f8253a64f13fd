select json_structure(json)::varchar as structure, count(*) as records
from (select json from read_json_objects(?, format = 'newline_delimited') limit ?) as sample
group by structure

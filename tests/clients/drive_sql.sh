# Print the numbers that two runs of the snippet of docs/CLIENTS.md beside this file put into a table, and see that one
# whose transfer broke off (torn.sql) put none there. To be run by pg_virtualenv.
set -eu
psql -X -q -c 'CREATE TABLE orders (id bigint PRIMARY KEY)'
if psql -X -q -f torn.sql; then
    exit 1
fi
psql -X -q -f copy.sql
psql -X -q -f copy.sql
psql -X -A -t -c 'SELECT id FROM orders'
